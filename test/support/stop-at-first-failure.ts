import fc from 'fast-check';

/** Mutants only have to be found: looking for the smallest failing input would take most of the time. */
fc.configureGlobal({ endOnFailure: true });
