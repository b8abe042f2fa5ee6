/** The package sharp. It is loaded when it is first needed, because that takes a fifth of a second and arrays do without it. */
export const loadSharp = async () => (await import("sharp")).default;
