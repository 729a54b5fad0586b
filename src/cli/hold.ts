import type { OperatorCommand } from '../status';
import type { SocketOptions } from './options';
import { standardOutput } from './output';
import { addressOf, command } from './status/client';
import { timeOf } from './time';

export interface HoldOptions extends SocketOptions {
  until?: string;
  json?: boolean;
}

/**
 * Pins a name, removes a pin, approves what waits, or rolls a name back.
 * @throws Error where nothing was done
 */
export async function hold(
  verb: OperatorCommand['verb'],
  name: string,
  { until, json, ...where }: HoldOptions,
): Promise<void> {
  const end =
    until === undefined ? {} : { until: new Date(timeOf('--until', until, Date.now(), 1)).toISOString() };
  const done = await command(addressOf(where), verb, { name, ...end });
  const out = standardOutput();
  if (json === true) out.json({ done });
  else out.print(done);
}
