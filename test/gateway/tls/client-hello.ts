const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const RECORD_HEADER = 5;
const SERVER_NAME = 0;

/**
 * The name that a client asks for (RFC 6066) in the first bytes of its connection: null for none, undefined while
 * the message is not whole. What is no TLS at all has no name; the handshake is going to say so.
 */
export function readServerName(bytes: Buffer): string | null | undefined {
  const message = handshakeMessage(bytes);
  if (message === undefined || message === null) return message;
  try {
    return serverName(message);
  } catch {
    return null;
  }
}

/** The ClientHello, put together from as many records as it takes. */
function handshakeMessage(bytes: Buffer): Buffer | null | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    if (bytes.length > at && bytes[at] !== HANDSHAKE_RECORD) return null;
    if (bytes.length < at + RECORD_HEADER) return undefined;
    const end = at + RECORD_HEADER + bytes.readUInt16BE(at + 3);
    if (bytes.length < end) return undefined;
    parts.push(bytes.subarray(at + RECORD_HEADER, end));
    const message = Buffer.concat(parts);
    if (message.length >= 4) {
      if (message[0] !== CLIENT_HELLO) return null;
      const length = message.readUIntBE(1, 3);
      if (message.length >= 4 + length) return message.subarray(4, 4 + length);
    }
    at = end;
  }
}

/** @throws RangeError where a length points past the end */
function serverName(hello: Buffer): string | null {
  // Version and random; then session id, cipher suites and compression methods, each with its length before it.
  let at = 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  const end = at + 2 + hello.readUInt16BE(at);
  at += 2;
  while (at < end) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    at += 4;
    // The list of names has one entry: its length, a type (host name), the name's length, the name.
    if (type === SERVER_NAME) return hello.toString('latin1', at + 5, at + 5 + hello.readUInt16BE(at + 3));
    at += length;
  }
  return null;
}
