export const WORKER: RegExp;
export function threadPath(id: string, importer: string): string;
export function workerSource(path: string): Promise<{ text: string; files: string[] }>;
