import type { KongMode } from '../scenarios/kong';
import type { World } from './world';

/** Something that goes wrong. It begins with everything in step and must end so that all can be well again. */
export interface Fault {
  /** Description of the fault. */
  sentence: string;
  /** Only this kind of Kong has it. */
  mode?: KongMode;
  /** It is done to the processes of a real Kong, or to its database, of which the stand-in has neither. */
  needs?: 'kong' | 'database';
  /** Number of certificates. Default 3. */
  count?: number;
  /** Start command of the plugin; see `KongSetup.pluginLauncher`. */
  launcher?: (folder: string) => string;
  /** Effects on Kong's content last: no other fault can follow in the same world. */
  lasts?: true;
  /** Renews something, makes it go wrong, and has the world check what the status or the log says meanwhile. */
  run: (world: World) => Promise<void>;
}

export type FaultTable = Readonly<Record<string, Fault>>;
