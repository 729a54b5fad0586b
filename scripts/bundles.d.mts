import type { BuildOptions } from 'esbuild';

export function shipped(debug?: boolean): [plugin: BuildOptions, executable: BuildOptions];
export function development(): BuildOptions;
export function writeAnswer(program: string): void;
