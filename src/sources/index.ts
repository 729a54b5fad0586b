export { DirectorySource } from './directory';
export { FileSource } from './file';
export { FixedPassword, PasswordFile, type Passwords } from './password';
export { UnlockedSource } from './unlocked';
export { singleFiles } from './pairing';
