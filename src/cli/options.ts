import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { CommanderError, InvalidArgumentError, Option, type Command } from 'commander';
import { USUAL_PREFIX } from '../common/product';
import { holdsLogin } from '../http/address';

/** Options that select Kong and the configuration. */
export interface KongOptions {
  prefix: string;
  adminUrl?: string;
  allowHttp?: boolean;
}

/** Options that select the running process. */
export interface SocketOptions {
  prefix: string;
  socket?: string;
  url?: string;
  allowHttp?: boolean;
}

export interface PassOptions extends KongOptions {
  config?: string;
  json?: boolean;
}

/** Name of a drill's certificate: one that no client asks for (RFC 6761). */
export const CANARY_NAME = 'ssl-cert-reloader-drill.invalid';

const ALLOW_HTTP = 'allow plain http to other hosts and to other users of this machine';

/** Adds the options by which every command finds Kong. */
export function withKong(command: Command): Command {
  return command
    .option('-p, --prefix <dir>', "Kong's prefix", pathOf, USUAL_PREFIX)
    .option(
      '--admin-url <url>',
      'address of the Admin API, if the prefix is not on this machine',
      adminAddressOf,
    )
    .option('--allow-http', ALLOW_HTTP);
}

/** Adds the options by which commands find the running process. */
export function withSocket(command: Command): Command {
  return command
    .option('-p, --prefix <dir>', "Kong's prefix, which holds the plugin's socket", pathOf, USUAL_PREFIX)
    .option('--socket <path>', 'the socket, if it is not in the prefix', pathOf);
}

/** Adds these, and the address that only answers questions. */
export function withAddress(command: Command): Command {
  return withSocket(command)
    .option('--url <url>', 'ask this address (status.listen) instead', addressOf)
    .option('--allow-http', 'allow plain http to other hosts');
}

export function withConfig(command: Command): Command {
  return command.option(
    '-c, --config <file>',
    'YAML file with the options of the plugin, or a list of them; default: the entries in Kong',
    notEmpty,
  );
}

/** An unset variable of a script gives an empty value. */
export function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

export function countOf(text: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a number from 1 on.');
}

/** A path, relative to the folder in which the command is called. */
export const pathOf = (text: string): string => resolve(notEmpty(text));

/** An address; `HOST:PORT` suffices. */
const addressOf = (text: string): string => urlOf(text, 'leave them out');

function adminAddressOf(text: string): string {
  if (text.startsWith('unix:/')) return text;
  return urlOf(text, 'put them into admin.headers_file, or into admin.url, of a file (--config)');
}

function urlOf(text: string, wayOut: string): string {
  const hasScheme = /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(text);
  const url = hasScheme ? text : `http://${text}`;
  if (holdsLogin(url) || (hasScheme && holdsLogin(`http://${text}`))) {
    // No invalid-argument error: commander would quote the value.
    throw new CommanderError(
      1,
      'ssl-cert-reloader.credentials',
      `error: an address with a user or password can be seen by every user of this machine: ${wayOut}`,
    );
  }
  if (!/^https?:/i.test(url) || !URL.canParse(url)) {
    throw new InvalidArgumentError('Give http://HOST:PORT, https://HOST:PORT or HOST:PORT.');
  }
  return url;
}

/** A name that Kong accepts as an SNI. */
export function sniOf(text: string): string {
  const name = text.toLowerCase();
  if (/^(\*\.)?[a-z0-9_.-]+(\.\*)?$/.test(name) && isIP(name) === 0) return name;
  throw new InvalidArgumentError('Give a DNS name, in ASCII.');
}

export function withJson(command: Command): Command {
  return command.addOption(new Option('--json', 'print JSON and nothing else'));
}

/** Adds exit codes and examples below the help. */
export function withHelp(
  command: Command,
  exitCodes: readonly (readonly [string, string])[],
  examples: readonly string[],
): Command {
  const codes = exitCodes.map(([code, meaning]) => `  ${code.padEnd(4)}${meaning}`);
  const lines = ['', 'Exit codes:', ...codes, '', 'Examples:', ...examples.map((line) => `  $ ${line}`)];
  return command.addHelpText('after', lines.join('\n'));
}
