import type { Config } from './config';
import { StreamRoutes, tlsListeners, type TlsListener } from '../gateway';
import type { Verifier } from '../model';
import { HandshakeVerifier, type TlsSettings } from '../verify';
import type { Connection } from './connection';

/**
 * The configured TLS listeners (a control plane has none of its own), else those of this Kong without its stream
 * proxy: that one closes a handshake for a name without a route, and logs an error each time.
 */
export function listenersOf({ verify: { listeners } }: Config, kong: Connection): readonly TlsListener[] {
  return listeners.length === 0
    ? kong.listeners.filter(({ isStream }) => isStream !== true)
    : tlsListeners(listeners.map((listener) => `${listener} ssl`).join(','));
}

/**
 * Proves writes; at the stream proxy only names that one of its routes asks for. With a database the stream proxy
 * notices writes late, and is not asked.
 */
export function verifierOf(config: Config, kong: Connection): Verifier {
  const timeoutMs = config.verify.timeout * 1000;
  const routes = new StreamRoutes(kong.client);
  const streams = () =>
    config.verify.listeners.length > 0 || kong.gateway.traits.sharesDatabase
      ? []
      : kong.listeners.filter(({ isStream }) => isStream === true);
  return new HandshakeVerifier({
    listeners: (sni) => [
      ...listenersOf(config, kong),
      ...streams().filter(({ port }) => routes.leadTo(port, sni)),
    ],
    ready: async () => {
      if (streams().length > 0) await routes.refresh();
    },
    timeoutMs,
    workers: () => kong.workers,
  });
}

const UNKNOWN: TlsSettings = { protocols: undefined, ciphers: undefined };

/** The TLS settings of Kong's listeners as its configuration has them now. */
export const tlsSettingsOf =
  ({ facts }: Connection): (() => TlsSettings) =>
  () =>
    facts()?.tlsSettings ?? UNKNOWN;
