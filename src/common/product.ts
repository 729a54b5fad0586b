/** The plugin's name in Kong. */
export const PLUGIN_NAME = 'ssl-cert-reloader';

/** Kong's prefix where nothing else is said. */
export const USUAL_PREFIX = '/usr/local/kong';

/** Filled in by the bundler from package.json. */
declare const __VERSION__: string;
export const VERSION = typeof __VERSION__ === 'string' ? __VERSION__ : '0.0.0';
