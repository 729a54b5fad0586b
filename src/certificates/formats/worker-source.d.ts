/** The text of a program, bundled from the module of that name (scripts/worker-source.mjs). */
declare module '*?worker' {
  const source: string;
  export default source;
}
