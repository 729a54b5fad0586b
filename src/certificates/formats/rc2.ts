import { wrongPassword } from './problem';

/**
 * RC2 in CBC mode with its key's own length in effect: what Windows and OpenSSL before 3.0 encrypted certificates
 * with. Node's OpenSSL has it no more; node-forge is loaded for it when it is met.
 * @throws FormatProblem where the padding does not fit
 */
export async function decryptRc2(key: Buffer, iv: Buffer, data: Buffer): Promise<Buffer> {
  const { default: rc2 } = await import('node-forge/lib/rc2.js');
  const { default: util } = await import('node-forge/lib/util.js');
  const cipher = rc2.createDecryptionCipher(key.toString('latin1'), key.length * 8);
  cipher.start(iv.toString('latin1'));
  cipher.update(util.createBuffer(data.toString('latin1')));
  if (!cipher.finish()) throw wrongPassword();
  return Buffer.from(cipher.output.getBytes(), 'latin1');
}
