type Hear = (text: string) => void;

let hear: Hear = () => undefined;
const said = new Set<string>();

/** Where notices go; before it is called they are lost. */
export function onNotice(listener: Hear): void {
  hear = listener;
}

/** Tells the operator something that fails nothing. Each sentence is said once. */
export function notice(text: string): void {
  if (said.has(text)) return;
  said.add(text);
  hear(text);
}
