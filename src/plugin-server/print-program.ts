import { replaceFile } from '../common/replace-file';

/*
 * Kong runs a query command to get the plugin's fields, and its distroless images have neither a shell nor `cat`: a
 * sidecar puts this program where Kong finds it.
 */

const HEADER_BYTES = 64 + 56;
/** Address in memory at which the file is loaded. */
const BASE = 0x400000n;
/** `e_machine` */
const MACHINES: Partial<Record<NodeJS.Architecture, number>> = { x64: 62, arm64: 183 };

/**
 * A static Linux program (ELF) without dependencies that prints a text: one segment of code and text, written to
 * standard output until all of it is out.
 * @throws Error for another architecture
 */
export function printProgram(text: string, arch: NodeJS.Architecture = process.arch): Buffer {
  const data = Buffer.from(text, 'utf8');
  const machine = MACHINES[arch];
  if (machine === undefined) throw new Error(`no program can be made for ${arch}; make it on x64 or arm64`);
  const code = arch === 'x64' ? codeOfX64(data.length) : codeOfArm64(data.length);
  const size = BigInt(HEADER_BYTES + code.length + data.length);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(2, 16); // an executable
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BASE + BigInt(HEADER_BYTES), 24); // where it begins
  header.writeBigUInt64LE(64n, 32); // where its one segment is described
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // to be loaded
  header.writeUInt32LE(5, 68); // read, execute
  header.writeBigUInt64LE(BASE, 80);
  header.writeBigUInt64LE(BASE, 88);
  header.writeBigUInt64LE(size, 96);
  header.writeBigUInt64LE(size, 104);
  header.writeBigUInt64LE(0x10000n, 112);
  return Buffer.concat([header, code, data]);
}

function codeOfX64(length: number): Buffer {
  const code = Buffer.from(
    [
      'bf01000000', // mov edi, 1
      '488d3500000000', // lea rsi, [text]
      'ba00000000', // mov edx, length
      'b801000000', // write: mov eax, 1
      '0f05', // syscall
      '4885c0', // test rax, rax
      '7e08', // jle end
      '4801c6', // add rsi, rax
      '4829c2', // sub rdx, rax
      '75ec', // jne write
      '31ff', // end: xor edi, edi
      '85d2', // test edx, edx
      '400f95c7', // setne dil
      'b83c000000', // mov eax, 60
      '0f05', // syscall
    ].join(''),
    'hex',
  );
  code.writeUInt32LE(code.length - 12, 8);
  code.writeUInt32LE(length, 13);
  return code;
}

function codeOfArm64(length: number): Buffer {
  const words = [
    0, // adr x1, text
    0xd2800002 | ((length & 0xffff) << 5), // movz x2, length
    0xf2a00002 | ((length >>> 16) << 5), // movk x2, length, lsl 16
    0xd2800020, // write: mov x0, 1
    0xd2800808, // mov x8, 64
    0xd4000001, // svc 0
    0xf100001f, // cmp x0, 0
    0x5400008d, // b.le end
    0x8b000021, // add x1, x1, x0
    0xeb000042, // subs x2, x2, x0
    0x54ffff21, // b.ne write
    0xf100005f, // end: cmp x2, 0
    0x9a9f07e0, // cset x0, ne
    0xd2800ba8, // mov x8, 93
    0xd4000001, // svc 0
  ];
  words[0] = 0x10000001 | (words.length << 5);
  const code = Buffer.alloc(4 * words.length);
  words.forEach((word, index) => code.writeUInt32LE(word >>> 0, 4 * index));
  return code;
}

/**
 * Writes such a program atomically: Kong may be about to run the former one.
 * @throws Error
 */
export function writePrintProgram(path: string, text: string): void {
  replaceFile(path, printProgram(text), {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mode: 0o755,
  });
}
