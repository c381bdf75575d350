'use strict';

// What npm would pack here is no package: the repository's manifest does not name the platform packages.
console.error('Pack and publish with "npm run pack", which writes the packages into target/packages');
process.exitCode = 1;
