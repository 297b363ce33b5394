"""TrainingPeaks in memory, behind `responses`: athletes and what is on their calendars."""

import itertools
import json
import re
from collections import defaultdict, deque
from urllib.parse import parse_qs, urlsplit

import responses

API = "https://api.sandbox.trainingpeaks.com"
HTML_404 = "<!DOCTYPE html><html><body>Not Found</body></html>"

ROUTES = {
    "version": ("GET", r"/v1/info/version"),
    "coach": ("GET", r"/v1/coach/profile"),
    "athletes": ("GET", r"/v1/coach/athletes"),
    "structure": ("GET", r"/v2/workouts/wod/file/(\d+)/"),
    "changed": ("GET", r"/v2/workouts/(\d+)/changed"),
    "workouts": ("GET", r"/v2/workouts/(\d+)/([\d-]+)/([\d-]+)"),
    "strength-workouts": ("GET", r"/v2/athletes/(\d+)/strength-workouts"),
    "subscriptions": ("GET", r"/v1/webhook/subscriptions"),
    "subscribe": ("POST", r"/v1/webhook/subscriptions"),
    "resubscribe": ("PUT", r"/v1/webhook/subscriptions/([^/]+)"),
    "unsubscribe": ("DELETE", r"/v1/webhook/subscriptions/([^/]+)"),
}

INTERVALS = [
    {
        "Type": "Repetition",
        "Length": {"Unit": "Repetition", "Value": 4},
        "Steps": [
            {
                "Type": "Step",
                "IntensityClass": "Active",
                "Length": {"Unit": "Second", "Value": 180},
                "IntensityTarget": {"Unit": "PercentOfFtp", "Value": 105},
            }
        ],
    }
]


class FakeTrainingPeaks:
    """`answers[name]` come first, one per call; `asked[name]` are the requests that came."""

    def __init__(self, mock):
        self.mock = mock
        self.athletes = []
        self.workouts = defaultdict(dict)
        self.structures = {}
        self.strength = defaultdict(list)
        self.deleted = defaultdict(list)
        self.subscriptions = {}
        self.answers = defaultdict(deque)
        self.asked = defaultdict(list)
        self.on_ask = {}
        self._clock = itertools.count(1)
        self._ids = itertools.count(1)
        for method in ("GET", "POST", "PUT", "DELETE"):
            mock.add_callback(method, re.compile(re.escape(API) + ".*"), callback=self._answer)

    # --- what a coach does ---------------------------------------------------------------

    def put(self, athlete, number, day, *, structure=None, **fields):
        """Add a workout, or change some of its fields."""
        known = self.workouts[athlete].get(number, {"Id": number, "AthleteId": athlete})
        workout = {**known, "WorkoutDay": f"{day}T00:00:00", "WorkoutType": "Bike", "Title": "Ride"}
        workout |= {"TotalTimePlanned": 1.0, "Completed": False} | fields
        workout["LastModifiedDate"] = f"2026-03-01T10:00:00.{next(self._clock):07d}"
        if structure is not None:
            self.structures[number] = structure
        if number in self.structures:
            workout["WorkoutFileFormats"] = ["fit", "json"]
        self.workouts[athlete][number] = workout
        return workout

    def delete(self, athlete, number):
        del self.workouts[athlete][number]
        self.deleted[athlete].append(number)

    def will(self, name, status=200, body=b"", headers=None, *, times=1):
        """Answer the next calls of this name like this instead."""
        text = body if isinstance(body, str | bytes | Exception) else json.dumps(body)
        self.answers[name].extend([(status, headers or {}, text)] * times)

    # --- what it answers -----------------------------------------------------------------

    def _answer(self, request):
        path = urlsplit(request.url).path
        for name, (method, pattern) in ROUTES.items():
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                return self._named(name, request, match.groups())
        return (404, {"Content-Type": "text/html"}, HTML_404)

    def _named(self, name, request, places):
        self.asked[name].append(request)
        if name in self.on_ask:
            self.on_ask[name]()
        if self.answers[name]:
            status, headers, body = self.answers[name].popleft()
            if isinstance(body, Exception):
                raise body
            return (status, headers, body)
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.url).query).items()}
        status, value = getattr(self, "_" + name.replace("-", "_"))(request, query, *places)
        return (status, {"Content-Type": "application/json"}, json.dumps(value))

    def _version(self, request, query):
        return 200, {"Version": "1.0", "Build": "1"}

    def _coach(self, request, query):
        return 200, {"CoachId": 7, "FirstName": "Ana", "LastName": "Keller"}

    def _athletes(self, request, query):
        return 200, self.athletes

    def _workouts(self, request, query, athlete, start, end):
        found = self.workouts[int(athlete)].values()
        return 200, [w for w in found if start <= w["WorkoutDay"][:10] <= end]

    def _structure(self, request, query, workout):
        if int(workout) not in self.structures:
            return 400, "Workout has no structure"
        return 200, {"Structure": self.structures[int(workout)]}

    def _strength_workouts(self, request, query, athlete):
        size, page = int(query["pageSize"]), int(query["page"])
        return 200, self.strength[int(athlete)][page * size : (page + 1) * size]

    def _changed(self, request, query, athlete):
        size, page = int(query["pageSize"]), int(query["page"])
        modified = list(self.workouts[int(athlete)].values())[page * size : (page + 1) * size]
        return 200, {"Deleted": self.deleted[int(athlete)], "Modified": modified}

    def _subscriptions(self, request, query):
        return 200, list(self.subscriptions.values())

    def _subscribe(self, request, query):
        made = {"Id": f"sub-{next(self._ids)}", "Active": True, **json.loads(request.body)}
        made["CreatedOn"] = "2025-07-24T21:03:05.1324848Z"
        self.subscriptions[made["Id"]] = made
        return 201, made

    def _resubscribe(self, request, query, number):
        self.subscriptions[number] |= json.loads(request.body)
        return 200, self.subscriptions[number]

    def _unsubscribe(self, request, query, number):
        if self.subscriptions.pop(number, None) is None:
            return 404, "gone"
        return 200, True


def start():
    """A mock that answers until it is stopped, and the TrainingPeaks behind it."""
    mock = responses.RequestsMock(assert_all_requests_are_fired=False)
    mock.start()
    return mock, FakeTrainingPeaks(mock)
