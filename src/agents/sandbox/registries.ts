/**
 * What builds and tests fetch from. Every one of them also takes uploads from whoever has an account there, so this
 * list is for convenience: it keeps an agent from the rest of the world, not from everybody.
 */
export const registries: readonly string[] = [
  // npm, Yarn
  'registry.npmjs.org',
  'registry.yarnpkg.com',
  // PyPI: the index and the files
  'pypi.org',
  'files.pythonhosted.org',
  // crates.io: the sparse index and the files
  'index.crates.io',
  'static.crates.io',
  // Go modules: the proxy and the checksums
  'proxy.golang.org',
  'sum.golang.org',
  // RubyGems
  'rubygems.org',
  'index.rubygems.org',
  // Maven Central
  'repo.maven.apache.org',
  'repo1.maven.org',
  // NuGet
  'api.nuget.org',
];
