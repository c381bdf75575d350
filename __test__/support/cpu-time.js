/** How many milliseconds the processor has worked for this process: what it does for others meanwhile does not count. */
export function cpuTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
