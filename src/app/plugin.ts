import { FIELDS } from './config';
import { PLUGIN_NAME, VERSION } from '../common/product';
import { toKongSchema } from '../config';
import type { PluginModule } from '../plugin-server';

/**
 * The plugin as Kong sees it. No method is named after a phase, so Kong calls nothing during handshakes and
 * requests: a slow or missing plugin server cannot hold up traffic.
 */
class SslCertReloader {
  constructor(readonly config: unknown) {}
}

export const plugin: PluginModule = {
  Name: PLUGIN_NAME,
  Version: VERSION,
  /** Without effect for a plugin without phases; the priority of plugins that only observe. */
  Priority: 1,
  Schema: toKongSchema(FIELDS),
  Plugin: SslCertReloader,
};
