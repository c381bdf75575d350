// The system's fonts: the site asks nobody for anything.
import Theme from 'vitepress/theme-without-fonts';

import './tables.css';

export default Theme;
