import '../src/app/no-inspector';
import { plugin } from '../src/app/plugin';
import { readHostArguments } from '../src/app/arguments';
import { followBeside } from '../src/app/serve';

export const { Name, Version, Priority, Schema, Plugin } = plugin;

// kong-pdk's server loads this module to dump it and to serve it; only then is there something to supervise.
const host = readHostArguments(process.argv);
if (host !== null) followBeside(host);
