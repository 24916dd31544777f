import fc from 'fast-check';

// What CI tells has to be about the change and come again; elsewhere each run tries other cases, and fuzzing looks for more.
const { CI } = process.env;
if (CI === 'true') fc.configureGlobal({ seed: 20261125 });
