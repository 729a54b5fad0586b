import type { SocketOptions } from './options';
import { standardOutput } from './output';
import { addressOf, reload as ask } from './status/client';

export interface ReloadOptions extends SocketOptions {
  json?: boolean;
}

/**
 * Makes the running process read its configuration again.
 * @throws Error where the new configuration is not used
 */
export async function reload(options: ReloadOptions): Promise<void> {
  const error = await ask(addressOf(options));
  if (error !== null)
    throw new Error(`the configuration is not used; the previous one stays in use: ${error}`);
  const out = standardOutput();
  if (options.json === true) out.json({ error });
  else out.print('the configuration was read again and is in use; every source is read');
}
