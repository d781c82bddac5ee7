// Nothing: the target of this file has the precompiled header that all test files share.
