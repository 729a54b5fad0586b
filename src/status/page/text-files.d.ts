/** Files that the bundler puts in as text. */
declare module '*.html' {
  const text: string;
  export default text;
}
declare module '*.md' {
  const text: string;
  export default text;
}
declare module '*.css' {
  const text: string;
  export default text;
}
/** A script for browsers, bundled from that file. */
declare module '*?browser' {
  const text: string;
  export default text;
}
