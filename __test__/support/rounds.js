/** How many rounds a test makes: `short` of them, or as many as the variable ROUNDS asks for. */
export function rounds(short) {
  return Number(process.env.ROUNDS) || short;
}

/** Time for that many rounds, for the test's deadline. */
export function timeFor(count, msPerRound) {
  return 30_000 + count * msPerRound;
}
