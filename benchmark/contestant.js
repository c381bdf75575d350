// One contestant of one case, measured once in a process of its own: `run.js` forks it.
import { scenarios } from './scenarios/index.js';

const [scenarioName, caseName, contestant, size] = process.argv.slice(2);
const scenario = (await scenarios()).find(({ name }) => name === scenarioName);
const { measure } = scenario.cases.find(({ name }) => name === caseName);
const figures = await measure(contestant, size === undefined ? undefined : Number(size));
process.send(figures, () => process.disconnect());
