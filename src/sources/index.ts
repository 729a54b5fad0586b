export { DirectorySource } from './directory/source';
export { FileSource } from './file/source';
export { FixedPassword, PasswordFile, type Passwords } from './password';
export { UnlockedSource } from './unlocked';
export { singleFiles } from './directory/pairing';
