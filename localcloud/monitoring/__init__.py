"""CloudWatch's side that acts: metrics by the minute, alarms that are evaluated, their actions."""
