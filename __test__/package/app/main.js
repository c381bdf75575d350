'use strict';

const runtime = require('@niche-knack/desktop-runtime');
const work = require('./work.js');

work(runtime).then((result) => console.log(JSON.stringify(result)));
