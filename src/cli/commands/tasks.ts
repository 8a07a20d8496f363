import type { Command } from 'commander';
import { type Context, clientOf } from '../context.ts';
import { describeTask, describeTasks, namesOf } from '../describe.ts';
import { taskPrefix } from '../values.ts';

export function addTasks(program: Command, context: Context): void {
  program
    .command('tasks')
    .description('all tasks that this peer knows of')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  peer tasks\n  peer tasks --json')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await clientOf(context).status();
      context.out(
        json === true ? JSON.stringify(status.tasks) : describeTasks(status.tasks, namesOf(status), Date.now()),
      );
    });
}

export function addTask(program: Command, context: Context): void {
  program
    .command('task')
    .description('one task: who bid what, who declined and why, who led, and when that changed')
    .argument('<id>', 'a task id, or the first digits of one', taskPrefix)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  peer task 3f9a\n  peer task 3f9a --json')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const client = clientOf(context);
      const [task, status] = await Promise.all([client.task(id), client.status()]);
      context.out(json === true ? JSON.stringify(task) : describeTask(task, namesOf(status)));
    });
}
