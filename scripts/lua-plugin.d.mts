/** @param program the bundled file; @param folder gets `kong/plugins/NAME/` */
export function writeLuaPlugin(program: string, folder: string): void;
/** A value of JSON as Lua writes it. */
export function lua(value: unknown, indent?: string): string;
