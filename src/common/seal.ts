import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';

/** Texts as they are kept. */
export interface Sealed {
  nonce: Buffer;
  parts: readonly Buffer[];
  tag: Buffer;
}

const CIPHER = 'aes-256-gcm';

/** Seals texts with a key that is OpenSSL's: what they hold cannot be read in this process's heap. */
export class Seal {
  readonly #key = createSecretKey(randomBytes(32));

  close(texts: readonly string[]): Sealed {
    const nonce = randomBytes(12);
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    const parts = texts.map((text) => cipher.update(text, 'utf8'));
    cipher.final();
    return { nonce, parts, tag: cipher.getAuthTag() };
  }

  open({ nonce, parts, tag }: Sealed): string[] {
    const decipher = createDecipheriv(CIPHER, this.#key, nonce).setAuthTag(tag);
    const texts = parts.map((part) => decipher.update(part).toString('utf8'));
    decipher.final();
    return texts;
  }
}
