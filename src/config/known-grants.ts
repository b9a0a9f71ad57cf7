/**
 * What Tributary knows of agents, by the name that their program has: of the person's home, what signs them in and no more.
 *
 * Their settings, their sessions and what those make them run stay the task's own, but where the way of signing in is
 * written among them. Each entry cites where the agent's makers say so; of an agent that keeps its sign-in in the system's
 * keyring alone, or where its makers do not say, nothing is known: its key is granted as a secret.
 */

/** A path below the person's home that a granted agent has in its own. */
export interface GrantedPath {
  readonly path: string;
  /**
   * `read`: the person's own file, read-only. `copy`: a copy, made when the agent's home has none, which it may change.
   * `write`: the person's own file is written, since renewing a token makes the one before worthless.
   */
  readonly how: 'read' | 'write' | 'copy';
}

export const KNOWN_GRANTS: Readonly<Record<string, readonly GrantedPath[]>> = {
  // Its sessions, its settings and what they make it run stay the task's own; its tokens are renewed in place.
  claude: [
    { path: '.claude/.credentials.json', how: 'write' },
    { path: '.claude.json', how: 'copy' },
  ],
  // developers.openai.com/codex/auth, "Credential storage"; refresh tokens can be used once, and the file is overwritten in
  // place (openai/codex, codex-rs/login/src/auth/storage.rs).
  codex: [{ path: '.codex/auth.json', how: 'write' }],
  // google-gemini/gemini-cli, docs/get-started/authentication.md ("Running in headless mode", "Use a .env file") and
  // packages/core/src/config/storage.ts; a Google refresh token stays good, so that each task can have a copy. The chosen
  // way of signing in is in settings.json.
  gemini: [
    { path: '.gemini/oauth_creds.json', how: 'copy' },
    { path: '.gemini/google_accounts.json', how: 'copy' },
    { path: '.gemini/settings.json', how: 'copy' },
    { path: '.gemini/.env', how: 'read' },
  ],
  // opencode.ai/docs/providers, "Credentials"; of some providers it holds tokens that are renewed in place.
  opencode: [{ path: '.local/share/opencode/auth.json', how: 'write' }],
  // docs.github.com, "Authenticating GitHub Copilot CLI" and "GitHub Copilot CLI configuration directory": where there is no
  // keyring the token, which is not renewed, is kept with the rest of its state.
  copilot: [{ path: '.copilot/config.json', how: 'copy' }],
  // aider.chat/docs/config/aider_conf.html and aider/main.py, which reads keys that it was given by OpenRouter's sign-in. Keys
  // of ~/.env, which has anybody's, are for the host to grant.
  aider: [
    { path: '.aider.conf.yml', how: 'read' },
    { path: '.aider/oauth-keys.env', how: 'read' },
  ],
};
