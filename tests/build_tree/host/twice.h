#pragma once

int call_twice(int value);
