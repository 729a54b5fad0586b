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

/** Whether one place alone may serve anything, the stream proxy included. */
export const hasOneListener = (config: Config, kong: Connection): boolean =>
  listenersOf(config, kong).length === 1 &&
  (config.verify.listeners.length > 0 || kong.listeners.length === 1);

/** With a database the stream proxy may take so long for a write or a new route, at the least. */
const LATE_MS = 30_000;

/** Listeners of the stream proxy, each for the names that one of its routes asks for. */
export class StreamListeners {
  readonly #routes: StreamRoutes;

  constructor(
    private readonly config: Config,
    private readonly kong: Connection,
  ) {
    this.#routes = new StreamRoutes(kong.client, () => this.lateMs);
  }

  /** After a write the former certificate may be shown for so many milliseconds. */
  get lateMs(): number {
    const { gateway, facts } = this.kong;
    if (!gateway.traits.sharesDatabase) return 0;
    return Math.max(LATE_MS, 6_000 * (facts()?.databaseDelay ?? 0));
  }

  /** Reads the routes again, where there is a stream proxy to ask. */
  async ready(): Promise<void> {
    if (this.all.length > 0) await this.#routes.refresh();
  }

  at(sni: string): readonly TlsListener[] {
    return this.all.filter(({ port }) => this.#routes.leadTo(port, sni));
  }

  private get all(): readonly TlsListener[] {
    if (this.config.verify.listeners.length > 0) return [];
    return this.kong.listeners.filter(({ isStream }) => isStream === true);
  }
}

/** Proves writes. A stream proxy that is late by design is left to the patrol: nothing is rolled back for it. */
export function verifierOf(config: Config, kong: Connection): Verifier {
  const streams = new StreamListeners(config, kong);
  const isAsked = !kong.gateway.traits.sharesDatabase;
  return new HandshakeVerifier({
    listeners: (sni) => [...listenersOf(config, kong), ...(isAsked ? streams.at(sni) : [])],
    ready: async () => {
      if (isAsked) await streams.ready();
    },
    timeoutMs: config.verify.timeout * 1000,
    workers: () => kong.workers,
  });
}

const UNKNOWN: TlsSettings = { protocols: undefined, ciphers: undefined };

/** The TLS settings of Kong's listeners as its configuration has them now. */
export const tlsSettingsOf =
  ({ facts }: Connection): (() => TlsSettings) =>
  () =>
    facts()?.tlsSettings ?? UNKNOWN;
