const NAMES = ['calls', 'events', 'jobs', 'cache', 'big', 'start'];

/** All scenarios, in the order of the tables. */
export async function scenarios() {
  const modules = await Promise.all(NAMES.map((name) => import(`./${name}.js`)));
  return modules.map((module) => module.default);
}
