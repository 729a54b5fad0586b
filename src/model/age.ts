interface Age {
  notBefore: number;
  notAfter: number;
}

/** Positive where `a` was issued later (or, issued at the same time, lasts longer) than `b`. */
export function compareAge(a: Age, b: Age): number {
  return a.notBefore - b.notBefore || a.notAfter - b.notAfter;
}
