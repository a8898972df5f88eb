make_disk() { false; }
publish_disk() { false; }
disk_up_to_date() { false; }
