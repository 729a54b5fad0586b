type Hear = (text: string) => void;

let hear: Hear = () => undefined;
const said = new Set<string>();

/** Sets the listener for notices; earlier ones are lost. */
export function onNotice(listener: Hear): void {
  hear = listener;
}

/** Tells the operator something that is not a failure. Each sentence is passed on once. */
export function notice(text: string): void {
  if (said.has(text)) return;
  said.add(text);
  hear(text);
}
