/**
 * The tools of Claude Code, whose names other executors share; also those that earlier versions had. What is not among
 * them is most likely a slip, which would take away without a word what it was to give.
 */
const tools: ReadonlySet<string> = new Set([
  ...['Bash', 'BashOutput', 'KillBash', 'KillShell', 'PowerShell', 'Monitor', 'LSP'],
  ...['Read', 'Edit', 'MultiEdit', 'Write', 'NotebookRead', 'NotebookEdit', 'Glob', 'Grep', 'LS'],
  ...['WebFetch', 'WebSearch', 'ToolSearch', 'Skill', 'SlashCommand', 'Workflow', 'Artifact'],
  ...['Agent', 'Task', 'TaskCreate', 'TaskGet', 'TaskList', 'TaskOutput', 'TaskStop', 'TaskUpdate', 'SendMessage'],
  ...['TodoRead', 'TodoWrite', 'EnterPlanMode', 'ExitPlanMode', 'EnterWorktree', 'ExitWorktree', 'AskUserQuestion'],
  ...['CronCreate', 'CronDelete', 'CronList', 'ScheduleWakeup', 'RemoteTrigger', 'PushNotification'],
  ...['ListMcpResourcesTool', 'ReadMcpResourceTool', 'ReadMcpResourceDirTool', 'ReportFindings'],
]);

/** What Claude Code takes for a model besides an id; `[1m]` asks for a long context. */
const modelNames = /^(?:sonnet|opus|haiku|fable|best|opusplan|default)(?:\[1m\])?$/;

/** Why a tool's name, or a rule about one such as `Bash(git log:*)`, may be a slip; null where it is known. */
export function doubtAboutTool(rule: string): string | null {
  const name = rule.replace(/\(.*/s, '').trim();
  if (tools.has(name) || name.startsWith('mcp__')) return null;
  const meant = [...tools].find((one) => one.toLowerCase() === name.toLowerCase());
  return `${name} is no tool that is known, and gives nothing${meant === undefined ? '' : `: write ${meant}`}`;
}

/** The same of a model. Providers put something of their own before or behind Anthropic's ids. */
export function doubtAboutModel(model: string): string | null {
  if (modelNames.test(model) || model.includes('claude-')) return null;
  return `${model} is no model that is known: sonnet, opus, haiku, inherit, or an id such as claude-sonnet-5-5`;
}
