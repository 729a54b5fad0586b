// The packages that are part of the bundled files, for their licences and for the SBOM.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param metafiles what esbuild tells of each bundle @returns [folder, manifest] of each package, by name */
export function bundledPackages(metafiles) {
  const inputs = metafiles.flatMap(({ inputs: files, outputs }) => {
    const used = new Set(Object.values(outputs).flatMap((output) => Object.keys(output.inputs)));
    return Object.keys(files).filter((path) => used.has(path));
  });
  const folders = inputs.map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(folders.filter(Boolean))]
    .map((folder) => [folder, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))])
    .sort(([, a], [, b]) => (a.name < b.name ? -1 : 1));
}

/** Their licences, as they are to be handed on. */
export function notices(metafiles) {
  const sections = bundledPackages(metafiles).map(([folder, { name, version, license }]) => {
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text =
      file !== undefined && existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : '';
    return `${name} ${version} (${typeof license === 'string' ? license : (license?.type ?? 'see the package')})\n\n${text.trim()}`;
  });
  return `What is bundled into ssl-cert-reloader, with its licences\n\n${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}
