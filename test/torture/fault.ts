import type { KongMode } from '../scenarios/kong';
import type { World } from './world';

/** Something that goes wrong. It begins with everything in step and must end so that all can be well again. */
export interface Fault {
  /** What happens. */
  sentence: string;
  /** Only this kind of Kong has it. */
  mode?: KongMode;
  /** How many certificates there are. Default 3. */
  count?: number;
  /** Renews something, makes it go wrong, and has the world check what the status or the log says meanwhile. */
  run: (world: World) => Promise<void>;
}

export type FaultTable = Readonly<Record<string, Fault>>;
