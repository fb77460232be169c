def package_files(records):
    return {}
