/** Whether two types are the same, also in what is optional or readonly. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles when every member is `true`. */
export type All<Checks extends true[]> = Checks;
