import { refusal, type RawBundle, type Refusal } from '../../model';
import { decodePem, isCertificate } from '../pem';
import { FORMATS } from './detect';
import { partOf, readPart } from './part';
import { FormatProblem } from './problem';

/** Certificates that need form no chain and have no key, as DER; of any format. Never throws for what it is given. */
export async function readLoose({ cert, location, password, alias }: RawBundle): Promise<Buffer[] | Refusal> {
  const blocks = decodePem(cert);
  if (blocks === null) {
    return refusal(
      'incomplete',
      `${location} is cut off inside a PEM block; waiting until it is written whole`,
    );
  }
  if (blocks.length > 0) return blocks.filter(isCertificate).map(({ der }) => der);
  const part = partOf(cert);
  try {
    return [...(await readPart(part, { password, alias })).certificates];
  } catch (error) {
    const looks = `${location} looks like ${FORMATS[part.format]}`;
    if (error instanceof FormatProblem) return refusal(error.reason, `${looks}: ${error.message}`);
    return refusal('unsupported_format', `${looks}: it is damaged; write it anew, or convert it to PEM`);
  }
}
