import { plain } from '../refusal';
import type { Answer, Endpoint, Exchange } from './exchange';

interface Route {
  /** `:` matches one segment and passes it on. */
  segments: readonly string[];
  endpoint: Endpoint;
}

interface Match {
  endpoint: Endpoint;
  keys: string[];
}

/** Paths and what answers them. Of several that match, the first wins. */
export class Router {
  readonly #routes: Route[] = [];

  add(path: string, endpoint: Endpoint): this {
    this.#routes.push({ segments: path.split('/').slice(1), endpoint });
    return this;
  }

  find(path: string): Match | null {
    const segments = path.split('/').slice(1);
    for (const route of this.#routes) {
      if (route.segments.length !== segments.length) continue;
      if (route.segments.some((segment, at) => segment !== ':' && segment !== segments[at])) continue;
      const keys = segments.filter((_, at) => route.segments[at] === ':').map(decodeURIComponent);
      return { endpoint: route.endpoint, keys };
    }
    return null;
  }

  handle({ endpoint, keys }: Match, exchange: Exchange): Answer {
    const handler = endpoint[exchange.method === 'HEAD' ? 'GET' : exchange.method];
    if (handler !== undefined) return handler(exchange, ...keys);
    if (exchange.method !== 'OPTIONS') throw plain(405, 'Method not allowed');
    const extra = endpoint['GET'] === undefined ? ['OPTIONS'] : ['HEAD', 'OPTIONS'];
    const allow = [...Object.keys(endpoint), ...extra].sort().join(', ');
    return {
      status: 204,
      headers: {
        allow,
        'access-control-allow-methods': allow,
        'access-control-allow-headers': 'Content-Type',
      },
    };
  }
}
