#!/bin/sh
# The scripted agent of the benchmark: some 6 ms, of which it works one. The same for the floor and the engine.
set -e
case $TASKS_PHASE in
  understand) echo "small" >"$TASKS_TASK_DIR/understanding.md" ;;
  plan) echo "one file" >"$TASKS_TASK_DIR/plan.md" ;;
  *) echo "done by $TASKS_TASK_ID" >"work-$TASKS_TASK_ID.txt" ;;
esac
sleep 0.004
echo '{"status":"done","summary":"as planned"}' >"$TASKS_REPORT_FILE"
