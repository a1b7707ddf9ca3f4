-- A run ends with its outcome and gives its slots back.
UPDATE run SET state = 'ended', live = 0, outcome = :outcome, reason = :reason, error = :error, exit_code = :exit_code, signal = :signal,
  usage = :usage, events = events + 1, ended_at = :now WHERE id = :run
