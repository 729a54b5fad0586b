import { setTimeout as sleep } from 'node:timers/promises';

/** What the controller has taken from the cluster. */
export interface ControllerState {
  certificate: { id: string; cert: string; key: string; sni: string };
  /** Tags of the certificate; those of a real one name the Secret that it follows. */
  tags: readonly string[];
  /** Paths; each is a route of its own. */
  routes: readonly string[];
}

/**
 * Writes to a gateway without a database as the ingress controller does: it posts the whole configuration as it wants
 * it, and only when that differs from what it posted last. It neither looks at what others posted nor takes it back.
 */
export class ScriptedController {
  state: ControllerState;
  #last = '';
  posts = 0;

  constructor(
    private readonly adminUrl: string,
    state: ControllerState,
  ) {
    this.state = state;
  }

  /** One of its rounds. @throws Error where Kong does not take it */
  async sync(): Promise<void> {
    const config = this.document();
    if (config === this.#last) return;
    for (let attempt = 1; ; attempt++) {
      // In another order than ours, so that a test can tell the posts apart.
      const response = await fetch(`${this.adminUrl}/config?flatten_errors=1&check_hash=1`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: config,
      });
      await response.text();
      if (response.status === 201 || response.status === 304) break;
      if (attempt === 5) throw new Error(`the controller's POST /config answered ${response.status}`);
      await sleep(20);
    }
    this.#last = config;
    this.posts += 1;
  }

  private document(): string {
    const { certificate, routes, tags } = this.state;
    const { sni, ...pair } = certificate;
    return JSON.stringify({
      _format_version: '3.0',
      certificates: [{ ...pair, snis: [{ name: sni }], tags }],
      services: [
        {
          name: 'shop.web.80',
          host: 'web.shop.80.svc',
          routes: routes.map((path) => ({ name: `shop.web${path.replaceAll('/', '.')}`, paths: [path] })),
        },
      ],
    });
  }
}
