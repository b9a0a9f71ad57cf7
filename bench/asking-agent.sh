#!/bin/sh
# Asks one question, and says when it was started with the answer: nanoseconds since the epoch, into a file of the folder $1.
set -e
if grep -q 'answered:' "$TASKS_PROMPT_FILE"; then
  date +%s%N >"$1/$TASKS_TASK_ID.part"
  mv "$1/$TASKS_TASK_ID.part" "$1/$TASKS_TASK_ID"
  echo "done by $TASKS_TASK_ID" >"work-$TASKS_TASK_ID.txt"
  echo '{"status":"done","summary":"as answered"}' >"$TASKS_REPORT_FILE"
else
  echo '{"status":"question","question":"Which one?"}' >"$TASKS_REPORT_FILE"
fi
