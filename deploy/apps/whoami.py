# A site of Django that takes who somebody is from the gateway, with the preset
# remote-user, and says it at /. From the top folder:
#
#	python3 deploy/apps/whoami.py 8000
#
# What an app of yours needs is the class FromTheGateway, its name in MIDDLEWARE
# behind AuthenticationMiddleware, and RemoteUserBackend.
import os
import sys
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.http import JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.RemoteUserBackend"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", ":memory:")}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "__main__.FromTheGateway",
    ],
    ROOT_URLCONF="__main__",
    SECRET_KEY=os.urandom(32).hex(),
    SESSION_COOKIE_NAME="django",
)
django.setup()

from django.contrib.auth.middleware import RemoteUserMiddleware  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402


class FromTheGateway(RemoteUserMiddleware):
    header = "HTTP_REMOTE_USER"

    def process_request(self, request):
        # WSGI hands headers over as if they were Latin-1 (PEP 3333). They are UTF-8.
        for name in ("HTTP_REMOTE_USER", "HTTP_REMOTE_EMAIL", "HTTP_REMOTE_NAME", "HTTP_REMOTE_GROUPS"):
            if name in request.META:
                request.META[name] = request.META[name].encode("latin-1").decode()
        super().process_request(request)
        if self.header in request.META and request.user.is_authenticated:
            self.know(request.user, request.META)

    def know(self, user, told):
        # The groups are those of the gateway, and no others: a role that was taken
        # away there is taken away here.
        roles = [role for role in told.get("HTTP_REMOTE_GROUPS", "").split(",") if role]
        if set(roles) != set(user.groups.values_list("name", flat=True)):
            user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
        email = told.get("HTTP_REMOTE_EMAIL", "")
        if email != user.email:
            user.email = email
            user.save(update_fields=["email"])


def whoami(request):
    user = request.user
    groups = sorted(user.groups.values_list("name", flat=True)) if user.is_authenticated else []
    return JsonResponse({"user": user.get_username(), "email": getattr(user, "email", ""), "groups": groups})


urlpatterns = [path("", whoami)]

if __name__ == "__main__":
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    call_command("migrate", verbosity=0)
    make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application()).serve_forever()
