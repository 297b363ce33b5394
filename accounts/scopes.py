"""The permissions asked for at TrainingPeaks, each with its reason. No other is requested."""

REASONS = {
    "coach:athletes": "Know which athletes you coach, and notice when one leaves.",
    "workouts:read": "Read planned sessions and what has changed since the last look.",
    "workouts:wod": "Read the intervals inside a session.",
    "webhook:read-subscriptions": "See whether TrainingPeaks still tells Baton about changes.",
    "webhook:write-subscriptions": "Ask TrainingPeaks to tell Baton about changes at once.",
}
