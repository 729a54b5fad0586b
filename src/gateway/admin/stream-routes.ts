import type { AdminClient } from './client';
import { readPages } from './pages';

interface Route {
  protocols?: readonly string[] | null;
  snis?: readonly string[] | null;
  /** Seconds since the epoch. */
  updated_at?: number;
  destinations?: readonly { port?: number | null }[] | null;
}

/** Least time between two reads of the routes. */
const AGE_MS = 5_000;

/**
 * Routes of Kong's stream proxy. It accepts a handshake only where a route asks for its name (kong/router), and
 * logs an error for every other one.
 */
export class StreamRoutes {
  #routes: readonly Route[] = [];
  #readAt = Number.NEGATIVE_INFINITY;

  /** @param newMs so long the stream proxy may not know a route that is new in the database */
  constructor(
    private readonly client: AdminClient,
    private readonly newMs: () => number,
  ) {}

  /** Never throws: a failed read leaves the routes of the last one. */
  async refresh(): Promise<void> {
    if (performance.now() - this.#readAt < AGE_MS) return;
    this.#readAt = performance.now();
    try {
      const routes: Route[] = [];
      for await (const page of readPages<Route>(this.client, '/routes')) routes.push(...page.filter(isTls));
      this.#routes = routes;
    } catch {
      // The next write will report what is wrong.
    }
  }

  /** Whether Kong itself shows a certificate to a client that asks for this name at this port. */
  leadTo(port: number, sni: string): boolean {
    const matching = this.#routes.filter(
      ({ snis, destinations, updated_at: at = 0 }) =>
        at * 1000 <= Date.now() - this.newMs() &&
        (isEmpty(snis) || snis.includes(sni)) &&
        (isEmpty(destinations) || destinations.some((one) => one.port == null || one.port === port)),
    );
    return matching.length > 0 && !matching.some(({ protocols }) => protocols?.includes(PASSED_ON));
  }
}

/** The upstream shows its own certificate. */
const PASSED_ON = 'tls_passthrough';

const isTls = ({ protocols }: Route) => protocols?.some((one) => one === 'tls' || one === PASSED_ON) === true;

const isEmpty = (list: readonly unknown[] | null | undefined): list is null | undefined | readonly [] =>
  list == null || list.length === 0;
