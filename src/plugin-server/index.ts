export { createServer, dump, type PluginModule } from './server';
export { listen } from './listener';
